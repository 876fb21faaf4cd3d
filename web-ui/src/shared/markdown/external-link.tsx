import { ImageIcon } from "lucide-react";
import { useState, type MouseEvent, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";

import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { CopyButton } from "./copy-button";
import { findOtherHost, readAddress, type Address } from "./safe-address";

function SplitAddress({ address }: { address: Address }) {
  const at = address.href.indexOf(address.destination);
  if (at < 0) return address.href;
  const end = at + address.destination.length;
  return (
    <>
      {address.href.slice(0, at)}
      <strong>{address.href.slice(at, end)}</strong>
      {address.href.slice(end)}
    </>
  );
}

type LeaveDialogProps = { address: Address; words: string; onClose: () => void };

function LeaveDialog({ address, words, onClose }: LeaveDialogProps) {
  const { t } = useTranslation();
  const other = findOtherHost(words, address);
  return createPortal(
    <Dialog title={t("markdown.leave_title")} onClose={onClose}>
      <div className="md-leave">
        <p>{t("markdown.leave_text")}</p>
        <p className="md-address" dir="ltr">
          <SplitAddress address={address} />
        </p>
        {other === null ? null : <p className="md-warning">{t("markdown.leave_other", { named: other })}</p>}
        <div className="md-leave-buttons">
          <CopyButton getText={() => address.href} label={t("markdown.copy_address")} />
          <span className="md-spring" />
          <Button kind="quiet" onClick={onClose} autoFocus>
            {t("markdown.stay")}
          </Button>
          <a className="md-open" href={address.href} target="_blank" rel="noopener noreferrer" onClick={onClose}>
            {t("markdown.open")}
          </a>
        </div>
      </div>
    </Dialog>,
    document.body,
  );
}

/** Whether the reader is being asked, and how to ask: on any button of the mouse, and by keyboard. */
function useQuestion() {
  const [isAsking, setIsAsking] = useState(false);
  const ask = (event: MouseEvent) => {
    if (event.button === 2) return;
    event.preventDefault();
    setIsAsking(true);
  };
  return { isAsking, ask, stop: () => setIsAsking(false) };
}

type ExternalLinkProps = {
  /** As it was written; an address that is not allowed leaves only the words. */
  address: string | undefined;
  words: string;
  children: ReactNode;
};

/** A link that asks before it leads away, showing the full address. Without an address yet it only looks like one. */
export function ExternalLink({ address: written, words, children }: ExternalLinkProps) {
  const { isAsking, ask, stop } = useQuestion();
  const address = readAddress(written);
  const opens = address ? { target: "_blank", rel: "noopener noreferrer", onClick: ask, onAuxClick: ask } : {};
  return (
    <>
      <a
        className={address || written === undefined ? "md-link" : undefined}
        href={address?.href}
        draggable={false}
        {...opens}
      >
        {children}
      </a>
      {address && isAsking ? <LeaveDialog address={address} words={words} onClose={stop} /> : null}
    </>
  );
}

/** A picture from outside is never fetched by itself: its place is taken by its description. */
export function OutsidePicture({ address: written, alt }: { address: string | undefined; alt: string }) {
  const { t } = useTranslation();
  const { isAsking, ask, stop } = useQuestion();
  const address = readAddress(written);
  const label = t("markdown.picture", {
    alt: alt || t("markdown.picture_unnamed"),
  });
  const content = (
    <>
      <ImageIcon size={14} aria-hidden />
      {label}
    </>
  );
  if (!address) return <span className="md-chip">{content}</span>;
  return (
    <>
      <button type="button" className="md-chip md-chip-button" onClick={ask}>
        {content}
      </button>
      {isAsking ? <LeaveDialog address={address} words={alt} onClose={stop} /> : null}
    </>
  );
}
