/**
 * Addresses of the packet table's node that stand close together: the kernel keeps them in blocks,
 * more than one chunk of blocks holds.
 *
 * @module
 */
import type { IpcacheState } from "../datapath/datapath.ts";
import { addressBytes, type Family } from "./address.ts";
import { type IpAddress, parseIpAddress } from "../cluster/ip_address.ts";
import { ROW_IDENTITY } from "./row_identity.ts";

/** Blocks by family: IPv4 fills two chunks and begins the next, where all those of IPv6 are. */
export const CROWD_BLOCKS = { 4: 512, 6: 16 } as const;

/** Addresses in a block: so many that it gets to be one. */
export const CROWD_SIZE = 8;

/** One address of a block. */
export function crowdAddress(family: Family, block: number, member: number): IpAddress {
  return parseIpAddress(
    family === 4
      ? `10.${20 + (block >> 8)}.${block & 255}.${member}`
      : `fd09:20::${(block << 8 | member).toString(16)}`,
  );
}

/** Neighbours differ at random, so that who reads a wrong cell reads another answer. */
export function crowdIdentity(block: number, member: number): number {
  const hash = Math.imul(block * CROWD_SIZE + member, 0x9e3779b1);
  return hash < 0 ? ROW_IDENTITY.PEER : ROW_IDENTITY.BUSY;
}

/** All of them. */
export function crowd(): IpcacheState[] {
  return ([4, 6] as const).flatMap((family) =>
    Array.from({ length: CROWD_BLOCKS[family] * CROWD_SIZE }, (_, i): IpcacheState => {
      const [block, member] = [Math.floor(i / CROWD_SIZE), i % CROWD_SIZE];
      return {
        address: addressBytes(crowdAddress(family, block, member)),
        identity: crowdIdentity(block, member),
      };
    })
  );
}
