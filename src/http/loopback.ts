// Which hosts are this machine.

/**
 * Whether a host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
 *
 * @param hostname  as `URL.hostname` has it: in lower case, an IPv6 address in brackets
 */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])\.?$/.test(hostname)
