import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Suspense } from "react";
import type { ReactNode } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";

import "@/shared/i18n/i18n";
import { late } from "@/shared/late/late";
import { ButtonNotLoaded, DialogNotLoaded, NotLoaded, PageNotLoaded } from "@/shared/late/not-loaded";

const fetchPart = vi.hoisted(() => vi.fn());
vi.mock("@/shared/late/fetch-part", () => ({ fetchPart }));

interface PartProps {
  name: string;
  onClose(): void;
}

const load = () => Promise.resolve({ Part: ({ name }: PartProps) => <p>Here is {name}</p> });
const onClose = vi.fn();

function show(Part: (props: PartProps) => ReactNode) {
  return render(
    <>
      <p>The rest of the page</p>
      <Suspense fallback={<p>Not yet</p>}>
        <Part name="the part" onClose={onClose} />
      </Suspense>
    </>,
  );
}

beforeEach(() => {
  fetchPart.mockRejectedValue(new TypeError("Failed to fetch"));
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});

describe("a late part", () => {
  it("is shown with its properties once it is there, and its fallback until then", async () => {
    let arrive: (part: unknown) => void = () => undefined;
    fetchPart.mockReturnValue(new Promise((resolve) => (arrive = resolve)));
    const Part = late(load, "Part");
    show((props) => <Part {...props} />);
    expect(screen.getByText("Not yet")).toBeVisible();
    arrive((await load()).Part);
    expect(await screen.findByText("Here is the part")).toBeVisible();
  });

  it("is a sentence and a button when it cannot be had, and the rest of the page stays", async () => {
    const Part = late(load, "Part");
    show((props) => <Part {...props} />);
    expect(await screen.findByRole("alert")).toHaveTextContent("This part could not be loaded.");
    expect(screen.getByRole("button", { name: "Load again" })).toBeVisible();
    expect(screen.getByText("The rest of the page")).toBeVisible();
    expect(console.error).toHaveBeenCalledWith(expect.objectContaining({ message: "Failed to fetch" }));
  });

  it("is fetched again at the next visit, and not while what stands in its place is still shown", async () => {
    const Part = late(load, "Part");
    const both = (second: boolean) => (
      <Suspense fallback={<p>Not yet</p>}>
        <Part key="first" name="the first" onClose={onClose} />
        {second && <Part key="second" name="the second" onClose={onClose} />}
      </Suspense>
    );
    const { rerender } = render(both(true));
    expect(await screen.findAllByRole("alert")).toHaveLength(2);
    const asked = fetchPart.mock.calls.length;
    rerender(both(false));
    expect(screen.getAllByRole("alert")).toHaveLength(1);
    expect(fetchPart).toHaveBeenCalledTimes(asked);
    fetchPart.mockImplementation(async () => (await load()).Part);
    rerender(both(true));
    expect(await screen.findByText("Here is the second")).toBeVisible();
    expect(screen.getAllByRole("alert")).toHaveLength(1);
  });

  it.each([
    ["a line with a way back", ({ onClose: close }: PartProps) => <NotLoaded onClose={close} />, "Cancel"],
    ["a dialog", DialogNotLoaded, "Close"],
  ])("can be replaced by %s, which gets its properties", async (_, Instead, name) => {
    onClose.mockClear();
    const Part = late(load, "Part", Instead);
    show((props) => <Part {...props} />);
    await userEvent.click(await screen.findByRole("button", { name }));
    expect(onClose).toHaveBeenCalledOnce();
    expect(screen.getByRole("button", { name: "Load again" })).toBeVisible();
  });

  it("can be replaced by a page that one can leave, and by no more than an icon", async () => {
    const Page = late(load, "Part", () => <PageNotLoaded sidebarButton={<button>Open the sidebar</button>} />);
    const Icon = late(load, "Part", ButtonNotLoaded);
    show((props) => (
      <>
        <Page {...props} />
        <Icon {...props} />
      </>
    ));
    expect(await screen.findByRole("button", { name: "Open the sidebar" })).toBeVisible();
    expect(screen.getByRole("button", { name: "This part could not be loaded. Load again" })).toBeVisible();
  });
});
