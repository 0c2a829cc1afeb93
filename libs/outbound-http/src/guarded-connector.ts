import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { type AllowList, isAddressAllowed } from './allow-list';
import { literalAddress } from './check-url';
import { AddressNotAllowedError, ConnectionFailedError } from './connection-error';
import type { Resolver } from './system-resolver';

export type Connector = buildConnector.connector;

/** Makes what opens sockets; `buildConnector` of undici, unless a test must not open any. */
export type ConnectorFactory = (
  options: buildConnector.BuildOptions & { lookup: LookupFunction },
) => Connector;

/**
 * A connector that reaches allowed addresses only, checked three times because none is enough alone:
 * the host when it is a literal (the lookup is not called for those), every address that a name
 * resolves to, and the peer of the open socket.
 */
export function guardedConnector(
  allow: AllowList,
  resolver: Resolver,
  timeoutMs: number,
  factory: ConnectorFactory = buildConnector,
): Connector {
  const connect = factory({
    timeout: timeoutMs,
    lookup: guardedLookup(allow, resolver),
    autoSelectFamily: true,
  });

  return (options, callback) => {
    const literal = literalAddress(options.hostname);
    if (literal !== null && !isAddressAllowed(literal, allow)) {
      callback(notAllowed(literal), null);
      return;
    }
    connect(options, (error, socket) => {
      if (error) callback(asConnectionError(error, options.protocol), null);
      else if (socket) checkPeer(socket, allow, callback);
    });
  };
}

function checkPeer(socket: Socket, allow: AllowList, callback: buildConnector.Callback): void {
  const peer = socket.remoteAddress;
  if (peer !== undefined && isAddressAllowed(peer, allow)) {
    callback(null, socket);
    return;
  }
  socket.destroy();
  // A socket without a peer was closed by the other side before we could look.
  callback(
    peer === undefined ? new ConnectionFailedError('connect', 'closed at once') : notAllowed(peer),
    null,
  );
}

function guardedLookup(allow: AllowList, resolver: Resolver): LookupFunction {
  return (hostname, options, callback) => {
    resolver(hostname).then(
      (addresses) => {
        const forbidden = addresses.find(({ address }) => !isAddressAllowed(address, allow));
        if (forbidden) return callback(forbiddenName(hostname), []);
        const wanted = addresses.filter(
          ({ family }) => !options.family || `IPv${family}` === `IPv${options.family}`,
        );
        const [first] = wanted;
        if (!first) return callback(new ConnectionFailedError('dns', `${hostname} has no address`), []);
        return options.all ? callback(null, wanted) : callback(null, first.address, first.family);
      },
      (error: unknown) => {
        const code = (error as NodeJS.ErrnoException).code ?? 'no answer';
        callback(
          new ConnectionFailedError('dns', `${hostname} cannot be resolved (${code})`, { cause: error }),
          [],
        );
      },
    );
  };
}

function notAllowed(address: string): AddressNotAllowedError {
  return new AddressNotAllowedError(`the address ${address} is not public`);
}

// Without the address: what a name means inside our network is not for the owner of an endpoint to learn.
function forbiddenName(hostname: string): AddressNotAllowedError {
  return new AddressNotAllowedError(`${hostname} leads to an address that is not public`);
}

function asConnectionError(error: Error, protocol: string): Error {
  if (error instanceof AddressNotAllowedError || error instanceof ConnectionFailedError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new ConnectionFailedError('timeout', 'no connection in time', { cause: error });
  }
  // Happy eyeballs reports one error for all addresses, an AggregateError.
  const beforeTls = syscall === 'connect' || error instanceof AggregateError || protocol !== 'https:';
  // OpenSSL's own messages are full of its source lines.
  const detail = code?.startsWith('ERR_SSL_') ? code : error.message || code || 'no connection';
  return new ConnectionFailedError(beforeTls ? 'connect' : 'tls', detail, { cause: error });
}
