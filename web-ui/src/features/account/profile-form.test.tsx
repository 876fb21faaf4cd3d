import "@/features/account/words";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import type { Account } from "@/features/account/account-data";
import { ProfileForm } from "@/features/account/profile-form";

const ACCOUNT: Account = { id: "u1", name: "ann", role: "owner", email: "", about: "", time_zone: "Europe/Lisbon", has_password: true, via: "session" };

function show(account: Account): void {
  cleanup();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ProfileForm account={account} />
    </QueryClientProvider>,
  );
}

it("keeps what one writes about oneself over other pages, and sends only that", async () => {
  const asked = vi.fn((_path: string, _init: RequestInit) => Promise.resolve(Response.json(ACCOUNT)));
  vi.stubGlobal("fetch", asked);
  show(ACCOUNT);
  fireEvent.change(screen.getByLabelText("About you"), { target: { value: "I keep bees." } });
  show({ ...ACCOUNT, email: "ann@example.org" }); // changed elsewhere meanwhile
  expect(screen.getByLabelText("About you")).toHaveValue("I keep bees.");
  expect(screen.getByText(/^Not saved yet/)).toBeVisible();
  fireEvent.click(screen.getByText("Save"));
  await waitFor(() => expect(screen.queryByText(/^Not saved yet/)).toBeNull());
  expect(asked.mock.calls.find(([, init]) => init.method === "PATCH")?.[1].body).toBe('{"about":"I keep bees."}');
});
