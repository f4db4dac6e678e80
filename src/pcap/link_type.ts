/**
 * Link types (https://www.tcpdump.org/linktypes.html): what a captured packet begins with.
 *
 * @module
 */

/** Those that carry IP packets as an endpoint's veth does, or with less before them. */
export const LINK_TYPE = {
  /** Address family of the machine that captured, in its byte order. */
  NULL: 0,
  ETHERNET: 1,
  /** Raw IP on BSD; files hold this number where writers did not translate it. */
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  /** Like NULL, in network byte order. */
  LOOP: 108,
  /** Linux "cooked", as `tcpdump -i any` writes. */
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(LINK_TYPE).map(([name, number]) => [number, name] as const),
  [6, "IEEE802_5 (token ring)"],
  [7, "ARCNET_BSD"],
  [8, "SLIP"],
  [9, "PPP"],
  [10, "FDDI"],
  [50, "PPP_HDLC"],
  [51, "PPP_ETHER"],
  [100, "ATM_RFC1483"],
  [104, "C_HDLC"],
  [105, "IEEE802_11"],
  [107, "FRELAY"],
  [114, "LTALK"],
  [117, "PFLOG"],
  [119, "IEEE802_11_PRISM"],
  [122, "IP_OVER_FC"],
  [123, "SUNATM"],
  [127, "IEEE802_11_RADIOTAP"],
  [138, "APPLE_IP_OVER_IEEE1394"],
  [140, "MTP2"],
  [141, "MTP3"],
  [143, "DOCSIS"],
  [144, "LINUX_IRDA"],
  [163, "IEEE802_11_AVS"],
  [187, "BLUETOOTH_HCI_H4"],
  [189, "USB_LINUX"],
  [192, "PPI"],
  [195, "IEEE802_15_4_WITHFCS"],
  [197, "ERF"],
  [201, "BLUETOOTH_HCI_H4_WITH_PHDR"],
  [220, "USB_LINUX_MMAPPED"],
  [227, "CAN_SOCKETCAN"],
  [230, "IEEE802_15_4_NOFCS"],
  [239, "NFLOG"],
  [247, "INFINIBAND"],
  [248, "SCTP"],
  [249, "USBPCAP"],
  [251, "BLUETOOTH_LE_LL"],
  [252, "WIRESHARK_UPPER_PDU"],
  [253, "NETLINK"],
  [272, "NORDIC_BLE"],
]);

/** `1 (ETHERNET)`, or the number alone where it has no name here. */
export function linkTypeName(linkType: number): string {
  const name = NAMES.get(linkType);
  if (name !== undefined) return `${linkType} (${name})`;
  return linkType >= 147 && linkType <= 162
    ? `${linkType} (USER${linkType - 147})`
    : String(linkType);
}
