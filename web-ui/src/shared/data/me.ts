/** Who is signed in: from the index, and changed where the account is. */
import { create } from "zustand";

import { readPageSettings } from "@/shared/data/page-settings";
import { request } from "@/shared/http/request";
import type { User } from "@/shared/wire/resources";

const NOBODY: User = { id: "", name: "", role: "member" };

export const useMe = create<User>(() => readPageSettings().user ?? NOBODY);

export function changeMe(change: Partial<User>): void {
  useMe.setState(change);
}

/** The development server fills no template: ask. */
export async function loadMe(): Promise<void> {
  const { id, name, role, time_zone = "" } = await request<User>("/api/me");
  changeMe({ id, name, role, time_zone });
}

/** Messages are sent to models with their time: the browser knows the zone, and is asked once. */
export async function tellTimeZone(): Promise<void> {
  const { time_zone: known } = useMe.getState();
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (known !== "" || !timeZone) return;
  try {
    await request("/api/me", { method: "PATCH", body: { time_zone: timeZone } });
    changeMe({ time_zone: timeZone });
  } catch {
    // it is asked again the next time
  }
}

export function useIsAdmin(): boolean {
  return useMe(({ role }) => role === "owner" || role === "admin");
}
