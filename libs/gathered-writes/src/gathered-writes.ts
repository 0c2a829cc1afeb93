import type { Socket } from 'node:net';

/**
 * Makes a socket send what is written to it in one turn of the event loop as one system call, the unit of cost of
 * everything that talks to PostgreSQL and Redis. Nothing waits: the turn ends before the process looks for new input.
 */
export const gatherWrites = <S extends Socket>(socket: S): S => {
  // Node puts its own `write` back when a socket connects.
  if (socket.pending) socket.once('connect', () => replaceWrite(socket));
  else replaceWrite(socket);
  return socket;
};

const replaceWrite = (socket: Socket): void => {
  const write = socket.write;
  let isGathering = false;
  socket.write = ((...parameters: Parameters<typeof write>) => {
    if (!isGathering) {
      isGathering = true;
      socket.cork();
      process.nextTick(() => {
        isGathering = false;
        socket.uncork();
      });
    }
    return write.apply(socket, parameters);
  }) as typeof write;
};
