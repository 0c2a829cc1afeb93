// @ts-check

/**
 * Does the work for every item, for so many at once, and gives the results in the items' order.
 *
 * @template Item, Result
 * @param {number} limit
 * @param {readonly Item[]} items
 * @param {(item: Item) => Promise<Result>} work
 * @returns {Promise<Result[]>}
 */
export async function atMost(limit, items, work) {
  /** @type {Result[]} */
  const results = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(/** @type {Item} */ (items[index]));
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
