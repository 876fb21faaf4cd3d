import { useEffect, useState } from "react";
import type { RefObject } from "react";
import { useTranslation } from "react-i18next";

import { findPlace } from "@/features/conversation/find-place";
import { unitIndex } from "@/shared/log/fold";
import { clock } from "@/shared/time/format";
import type { Continuation } from "@/shared/wire/generated";

interface KnotProps {
  body: RefObject<HTMLDivElement | null>;
  text: string;
  continuation: Continuation;
}

interface Place {
  left: number;
  top: number;
  height: number;
}

/** Marks where the answer went on after a restart: a tick at the very character and a knot in the margin. */
export function Knot({ body, text, continuation }: KnotProps) {
  const { t, i18n } = useTranslation();
  const before = text.slice(0, unitIndex(text, continuation.offset));
  const place = usePlace(body, before);
  const words = t("conversation.continued_at", { time: clock(continuation.at, i18n.language) });
  if (place === null) return null;
  return (
    <>
      <span
        aria-hidden
        className="pointer-events-none absolute w-0.5 rounded-full bg-brass"
        style={{ left: place.left, top: place.top, height: place.height }}
      />
      <span
        role="img"
        aria-label={words}
        title={words}
        className="absolute -left-5 size-2.5 max-md:-left-4 rotate-45 rounded-[2px] border-2 border-brass bg-ground"
        style={{ top: place.top + place.height / 2 - 5 }}
      />
    </>
  );
}

/** Where the end of `before` stands on the screen, measured again whenever the text is laid out anew. */
function usePlace(body: RefObject<HTMLDivElement | null>, before: string): Place | null {
  const [place, setPlace] = useState<Place | null>(null);
  useEffect(() => {
    const element = body.current;
    if (!element) return;
    const measure = () => setPlace((known) => keepSame(known, locate(element, before)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [body, before]);
  return place;
}

function locate(element: HTMLElement, before: string): Place {
  const range = findPlace(element, before);
  const origin = element.getBoundingClientRect();
  const rect = range?.getBoundingClientRect();
  if (!rect || rect.height === 0) return { left: 0, top: 0, height: 20 };
  return { left: rect.right - origin.left, top: rect.top - origin.top, height: rect.height };
}

function keepSame(known: Place | null, next: Place): Place {
  const isSame = known?.left === next.left && known.top === next.top && known.height === next.height;
  return isSame ? known : next;
}
