import type { DomainEvent } from '@slipway/contract-kit/event';
import type { EventData, EventType } from '@slipway/contracts/events';
import { newEvent } from '@slipway/platform/events/new-event';

/** Creates an event of this service. Its id is derived from what happened, so that a repeated event is recognized. */
export function event<T extends EventType>(type: T, subject: string, data: EventData<T>): DomainEvent {
  return newEvent('billing', type, data, `${type}:${subject}`);
}
