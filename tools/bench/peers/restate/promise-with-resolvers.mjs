// @ts-check

/** Restate's SDK calls it (ES2024); Node.js has it from version 22 on. */
Promise.withResolvers ??= function withResolvers() {
  /** @type {any} */
  const settlers = {};
  const promise = new this((resolve, reject) => Object.assign(settlers, { resolve, reject }));
  return { promise, ...settlers };
};
