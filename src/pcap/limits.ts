/**
 * Most bytes that a file may say it has of one packet: libpcap's own limit for everything that
 * carries IP (`MAXIMUM_SNAPLEN`).
 */
export const MAX_CAPTURED_BYTES = 262_144;
