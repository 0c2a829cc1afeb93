import type { FailureReason } from './outbound-result';

/** A name or a socket led to an address that calls may not reach. */
export class AddressNotAllowedError extends Error {
  override readonly name = 'AddressNotAllowedError';
}

/** No connection came about, and in which phase. */
export class ConnectionFailedError extends Error {
  override readonly name = 'ConnectionFailedError';

  constructor(
    readonly reason: Extract<FailureReason, 'dns' | 'connect' | 'tls' | 'timeout'>,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
