import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import type { DragEvent } from "react";
import { useTranslation } from "react-i18next";

import { useUpload } from "@/features/exchange/exchange-data";
import { Problem } from "@/shared/form/problem";
import { Button } from "@/shared/ui/button";
import { classNames } from "@/shared/ui/class-names";
import { ProgressBar } from "@/shared/ui/progress-bar";

/** Where a file is dropped, or chosen. */
export function ImportDrop() {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const { mutate, isPending, variables, error, share } = useUpload();
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file && !isPending) mutate(file);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <div className="flex flex-col gap-3">
      <div
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={drop}
        className={classNames(
          "flex flex-wrap items-center justify-center gap-x-4 gap-y-2 rounded-md border border-dashed px-4 py-8",
          isOver ? "border-accent bg-hover" : "border-line-strong",
        )}
      >
        <p className="text-sm text-quiet" role="status">
          {isPending ? t("exchange.uploading", { name: variables.name }) : t("exchange.drop")}
        </p>
        <Button disabled={isPending} onClick={() => input.current?.click()}>
          <Upload size={15} strokeWidth={1.75} aria-hidden />
          {t("exchange.choose")}
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={t("exchange.choose")}
          accept=".zip,.json,.jsonl,.md,.markdown,.txt"
          onChange={(event) => {
            take(event.target.files);
            event.target.value = "";
          }}
        />
      </div>
      {isPending && (
        <ProgressBar label={t("exchange.uploaded", { name: variables.name })} done={share} total={1} />
      )}
      <Problem text={error?.message} />
    </div>
  );
}
