/**
 * The order in which operations that refer to each other can be carried out: what an operation refers to comes before it,
 * otherwise they stay in the order given. Operations that refer to each other in a circle are in one group
 * (R. Tarjan, "Depth-first search and linear graph algorithms", 1972: strongly connected components).
 */
export const inOrder = (references: readonly (readonly number[])[]): number[][] => {
  const components: number[][] = [];
  const numbers = new Map<number, number>();
  const lowest = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();

  const visit = (node: number): number => {
    const number = numbers.size;
    numbers.set(node, number);
    lowest.set(node, number);
    open.push(node);
    isOpen.add(node);
    for (const next of references[node] ?? []) {
      if (!numbers.has(next)) lower(node, visit(next));
      else if (isOpen.has(next)) lower(node, numbers.get(next) ?? number);
    }
    const low = lowest.get(node) ?? number;
    if (low === number) {
      const component = open.splice(open.lastIndexOf(node));
      for (const member of component) isOpen.delete(member);
      components.push(component.sort((a, b) => a - b));
    }
    return low;
  };
  const lower = (node: number, to: number): void =>
    void lowest.set(node, Math.min(lowest.get(node) ?? to, to));

  references.forEach((_, node) => {
    if (!numbers.has(node)) visit(node);
  });
  return components;
};
