import { queryTcx } from "ebpf-ts-loader";
import { createNetns } from "ebpf-ts-loader/sys";
import { missingFeature } from "../../src/demo/missing_feature.ts";
import type { Requirement } from "../requirement.ts";

const LOOPBACK = 1;

/** Network namespaces can be made, and programs attached by TCX. */
export const TCX: Requirement = {
  name: "kernel",
  missing: () => {
    try {
      using netns = createNetns();
      netns.run(() => queryTcx(LOOPBACK, "ingress"));
      return undefined;
    } catch (error) {
      const reason = missingFeature(error);
      if (reason === undefined) throw error;
      return reason;
    }
  },
};

/** nftables can be told what to do. */
export const NFT: Requirement = {
  name: "nft",
  missing: () => {
    try {
      const { success } = new Deno.Command("nft", { args: ["--version"] }).outputSync();
      return success ? undefined : "nft --version failed, expected nftables";
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return "no nft, expected the package nftables";
    }
  },
};
