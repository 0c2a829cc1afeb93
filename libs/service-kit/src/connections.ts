import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Follows the connections of a server; the answer closes those on which no call is running. Node.js' own
 * `closeIdleConnections` leaves those alone that have been opened ahead and never used, as browsers and pools do:
 * they would keep a server from closing until its headers timeout.
 */
export const quietConnectionsOf = (server: Server): (() => void) => {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return () => {
    server.closeIdleConnections();
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
};
