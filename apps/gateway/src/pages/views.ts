/**
 * The views of the console, in the order of its navigation. Each is a module `views/<name>.js` with a style sheet
 * `views/<name>.css`, which the start page loads when the view is chosen.
 *
 * The module exports `show(element)`, which shows the view in an element and returns a function that stops it.
 */
export const views = [
  { name: 'map', title: 'Map' },
  { name: 'rollouts', title: 'Rollouts' },
  { name: 'overload', title: 'Overload' },
  { name: 'traces', title: 'Traces' },
  { name: 'faults', title: 'Faults' },
  { name: 'jobs', title: 'Jobs' },
  { name: 'business', title: 'Business' },
] as const;
