import { assertEquals } from "@std/assert";
import { carriesIp, ethernetFrame } from "../../src/pcap/ethernet_frame.ts";
import { LINK_TYPE, linkTypeName } from "../../src/pcap/link_type.ts";

const IPV4 = [0x45, 1, 2, 3];
const IPV6 = [0x60, 1, 2, 3];
const NOBODY = [0, 0, 0, 0, 0, 0];
const SENDER = [2, 0, 0, 1, 0, 7];

for (
  const [about, linkType, data, frame] of [
    [
      "Ethernet as it is",
      LINK_TYPE.ETHERNET,
      [...NOBODY, ...SENDER, 8, 0, ...IPV4],
      [...NOBODY, ...SENDER, 8, 0, ...IPV4],
    ],
    ["raw IPv4", LINK_TYPE.RAW, IPV4, [...NOBODY, ...NOBODY, 8, 0, ...IPV4]],
    ["raw IPv6", LINK_TYPE.RAW, IPV6, [...NOBODY, ...NOBODY, 0x86, 0xdd, ...IPV6]],
    ["raw IP as BSD numbers it", LINK_TYPE.RAW_BSD, IPV4, [
      ...NOBODY,
      ...NOBODY,
      8,
      0,
      ...IPV4,
    ]],
    ["raw bytes of neither, as IPv4", LINK_TYPE.RAW, [0xf0], [...NOBODY, ...NOBODY, 8, 0, 0xf0]],
    ["nothing at all, as IPv4", LINK_TYPE.RAW, [], [...NOBODY, ...NOBODY, 8, 0]],
    ["IPv6 whatever it begins with", LINK_TYPE.IPV6, IPV4, [
      ...NOBODY,
      ...NOBODY,
      0x86,
      0xdd,
      ...IPV4,
    ]],
    ["BSD loopback, little endian", LINK_TYPE.NULL, [2, 0, 0, 0, ...IPV4], [
      ...NOBODY,
      ...NOBODY,
      8,
      0,
      ...IPV4,
    ]],
    ["BSD loopback, big endian", LINK_TYPE.NULL, [0, 0, 0, 30, ...IPV6], [
      ...NOBODY,
      ...NOBODY,
      0x86,
      0xdd,
      ...IPV6,
    ]],
    ["OpenBSD loopback", LINK_TYPE.LOOP, [0, 0, 0, 24, ...IPV6], [
      ...NOBODY,
      ...NOBODY,
      0x86,
      0xdd,
      ...IPV6,
    ]],
    [
      "Linux cooked, with its sender",
      LINK_TYPE.LINUX_SLL,
      [0, 4, 0, 1, 0, 6, ...SENDER, 0, 0, 8, 0, ...IPV4],
      [...NOBODY, ...SENDER, 8, 0, ...IPV4],
    ],
    [
      "Linux cooked, without a sender",
      LINK_TYPE.LINUX_SLL,
      [0, 0, 3, 4, 0, 0, ...SENDER, 0, 0, 8, 0, ...IPV4],
      [...NOBODY, ...NOBODY, 8, 0, ...IPV4],
    ],
    [
      "Linux cooked, version 2",
      LINK_TYPE.LINUX_SLL2,
      [0x86, 0xdd, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, ...SENDER, 0, 0, ...IPV6],
      [...NOBODY, ...SENDER, 0x86, 0xdd, ...IPV6],
    ],
  ] as const
) {
  Deno.test(`ethernetFrame() takes ${about}`, () => {
    const result = ethernetFrame(linkType, Uint8Array.from(data));
    const added = frame.length - data.length;
    assertEquals(result, { frame: Uint8Array.from(frame), added });
  });
}

for (
  const [linkType, data, refused] of [
    [LINK_TYPE.ETHERNET, NOBODY, "6 bytes, expected at least an Ethernet header"],
    [LINK_TYPE.NULL, [2, 0, 0], "3 bytes, expected an address family"],
    [LINK_TYPE.NULL, [7, 0, 0, 0], "address family 7, expected IPv4 or IPv6"],
    [LINK_TYPE.LINUX_SLL, NOBODY, "6 bytes, expected a header of 16"],
    [LINK_TYPE.LINUX_SLL2, NOBODY, "6 bytes, expected a header of 20"],
    [105, NOBODY, "link type 105 (IEEE802_11), expected one that carries IP as is"],
    [40000, NOBODY, "link type 40000, expected one that carries IP as is"],
  ] as const
) {
  Deno.test(`ethernetFrame() refuses ${refused}`, () => {
    assertEquals(ethernetFrame(linkType, Uint8Array.from(data)), { refused });
  });
}

Deno.test("carriesIp() knows every link type that has a frame", () => {
  assertEquals(Object.values(LINK_TYPE).filter((type) => !carriesIp(type)), []);
  assertEquals(carriesIp(105), false);
});

Deno.test("linkTypeName() names those of one's own by their number", () => {
  assertEquals(linkTypeName(149), "149 (USER2)");
});
