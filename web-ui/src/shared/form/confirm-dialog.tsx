import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";

interface ConfirmDialogProps {
  title: string;
  children: ReactNode;
  /** What the button says that does it. */
  action: string;
  /** A name that must be typed first: for what cannot be undone. */
  word?: string;
  error?: string | null | undefined;
  isPending?: boolean;
  onConfirm(): void;
  onClose(): void;
}

/** Asks once more before something that is felt. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, action, word, error, isPending = false, onConfirm, onClose } = props;
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const isReady = (word === undefined || typed.trim() === word) && !isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) onConfirm();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-4 px-5 pt-4 pb-5">
        <div className="text-sm leading-6 text-soft text-pretty">{children}</div>
        {word !== undefined && (
          <Field
            label={t("form.type_name", { name: word })}
            value={typed}
            autoComplete="off"
            autoFocus
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
        <Problem text={error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            {t("ui.cancel")}
          </Button>
          <Button kind="danger" type="submit" disabled={!isReady}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
