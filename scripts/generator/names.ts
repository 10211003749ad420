import { readText, type Tree } from './tree.ts';

/** The spellings of a service's name in code. */
export type Names = {
  /** As given: notes. */
  name: string;
  /** Capitalised: Notes. */
  Name: string;
  /** The prefix of its settings: NOTES. */
  NAME: string;
  /** One of what it holds: Note. The name itself if it does not end in s. */
  Item: string;
  /** The same in lower case: note. */
  item: string;
};

const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

export function namesOf(name: string): Names {
  const item = name.replace(/(?<=[^s])s$/, '');
  return { name, Name: capitalised(name), NAME: name.toUpperCase(), Item: capitalised(item), item };
}

/** Names of containers, networks, folders and secrets that are no service, and words that JavaScript keeps for itself. */
const reserved = new Set(
  `alertmanager app billing calls contracts datastore default errors events foundation gateway grafana jobs journeys
  mongodb network observability operations platform ports prometheus public readable root schemas secrets service
  settings small system telemetry tests zipkin
  close connections examples generator idempotency images inject issuer ping process run server store
  admin base bearer conformance creation delivery idempotent nowhere ok person session subscription topology
  arguments as async await break case catch class const continue debugger delete do else enum eval export extends
  false finally for from function if implements import in instanceof interface let log new null of package private
  protected return static super switch this throw true try typeof undefined upstream var void while with yield`.split(
    /\s+/,
  ),
);

/** Names that the code of a service imports, so its item cannot have them. */
const importedItems = new Set(['App', 'Change', 'Migration', 'Page', 'Position', 'Principal', 'Type']);

/** @throws {Error} that says what is wrong with the name of a new service */
export function checkName(tree: Tree, name: string): void {
  checkForm(name);
  if (isService(tree, name)) throw new Error(`There is a service ${name} already: see apps/${name}.`);
  if (reserved.has(name)) throw new Error(`"${name}" has another meaning here. Choose another name.`);
  const { Item } = namesOf(name);
  if (importedItems.has(Item)) throw new Error(`A ${Item} has another meaning here. Choose another name.`);
  for (const other of contractsOf(tree)) {
    const text = readText(tree, other);
    if (new RegExp(`^export (const|type) ${Item}\\b`, 'm').test(text))
      throw new Error(`${other} has a ${Item} already. Choose another name.`);
    if (new RegExp(`'/api/v1/${name}[/']`).test(text))
      throw new Error(`${other} has the path /api/v1/${name} already. Choose another name.`);
  }
}

/** @throws {Error} if a name has another form than that of a service */
function checkForm(name: string): void {
  if (!/^[a-z]{2,20}$/.test(name))
    throw new Error(`"${name}" is no name of a service: use 2 to 20 lower-case letters, such as notes.`);
}

/** @throws {Error} if the generator has not made this service */
export function checkRemovable(tree: Tree, name: string): void {
  checkForm(name);
  if (!isService(tree, name)) throw new Error(`There is no service ${name} in scripts/system.ts.`);
  if (['gateway', 'users', 'billing', 'reporting'].includes(name))
    throw new Error(`${name} is not made by the generator, and others depend on it.`);
}

const isService = (tree: Tree, name: string) =>
  tree.exists(`apps/${name}`) || readText(tree, 'scripts/system.ts').includes(`\n  ${name}: {\n`);

function contractsOf(tree: Tree): string[] {
  const imports = readText(tree, 'libs/contracts/src/operations.ts').matchAll(/from '\.\/(\w+)\.ts'/g);
  return [...imports].map(([, module]) => `libs/contracts/src/${module}.ts`);
}
