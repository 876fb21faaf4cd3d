import { request } from "@/shared/http/request";

/** Ends this browser's session; the page then begins anew, as for anybody. */
export async function signOut(): Promise<void> {
  await request<undefined>("/api/sign-out", { method: "POST" });
  location.assign("/");
}
