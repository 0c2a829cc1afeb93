import type { Socket } from 'node:net';

/**
 * Makes a socket send what is written to it in one turn of the event loop as one system call, the unit of cost of
 * everything that talks to PostgreSQL and Redis. Nothing waits: the turn ends before the process looks for new input.
 */
export const gatherWrites = <S extends Socket>(socket: S): S => {
  const write = socket.write;
  let gathering = false;
  socket.write = ((...parameters: Parameters<typeof write>) => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      process.nextTick(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write.apply(socket, parameters);
  }) as typeof write;
  return socket;
};
