import type { BuildOptions } from '@slipway/platform/service/service';

/** The protection against overload that is on. */
export type Protection = {
  /** The guards of the services. */
  guards: boolean;
  /** The retry budgets of the clients and of the services. */
  budget: boolean;
};

/** Hands the protection to a process of the scene, as a part of its environment. */
export function protectionEnv(protection: Protection): { PROTECTION: string } {
  return { PROTECTION: JSON.stringify(protection) };
}

/** Reads the options of a service from the environment of a process of the scene. */
export function optionsFrom({ PROTECTION = '' }: { PROTECTION?: string }): BuildOptions {
  const { guards, budget } = JSON.parse(PROTECTION) as Protection;
  return { guards: guards ? 'all' : 'process', ...(!budget && { retryRatio: 10 }) };
}

/** A running system that a trouble comes over. */
export type Scene = {
  port: number;
  /** The request of its clients, in its wire format. */
  request: string;
  /** Makes its store slow. */
  slow(): Promise<void>;
  heal(): Promise<void>;
  close(): Promise<void>;
};
