import { readPageSettings } from "@/shared/data/page-settings";

/**
 * The beginning of the names under which this browser keeps what somebody wrote and did not send yet. It carries who
 * they are: whoever signs in next in the same browser neither sees it nor sends it.
 */
export function ownPrefix(kind: string, user = readPageSettings().user?.id ?? ""): string {
  return `qd.${kind}.${user}.`;
}
