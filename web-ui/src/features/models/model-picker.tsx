import { ChevronDown } from "lucide-react";
import { Suspense, useState } from "react";
import { useTranslation } from "react-i18next";

import { LOG_READER, shortName } from "@/shared/data/models";
import { late } from "@/shared/late/late";
import { Floating } from "@/shared/ui/floating";

const ModelList = late(() => import("@/features/models/model-list"), "ModelList");

interface ModelPickerProps {
  value: string;
  onChange(model: string): void;
  side?: "top" | "bottom";
  align?: "start" | "end";
}

/** The chosen model's name; pressed, a list that can be searched. */
export function ModelPicker({ value, onChange, side = "top", align = "start" }: ModelPickerProps) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const name = value === LOG_READER ? t("models.log_reader") : shortName(value);
  const choose = (model: string) => {
    onChange(model);
    setIsOpen(false);
  };
  return (
    <Floating
      label={t("models.choose")}
      open={isOpen}
      onOpenChange={setIsOpen}
      side={side}
      align={align}
      className="w-[min(25rem,calc(100vw-1rem))]"
      trigger={(props) => (
        <button
          {...props}
          type="button"
          aria-label={t("models.chosen", { name: name || t("models.none") })}
          title={value}
          className="inline-flex h-9 min-w-0 items-center gap-1 rounded-sm px-2 text-sm text-soft transition-colors hover:bg-hover hover:text-ink data-[state=open]:bg-hover"
        >
          <span className="truncate">{name || t("models.none")}</span>
          <ChevronDown size={14} strokeWidth={1.75} aria-hidden className="shrink-0 text-quiet" />
        </button>
      )}
    >
      <Suspense fallback={<div className="h-64" />}>
        <ModelList value={value} onChoose={choose} />
      </Suspense>
    </Floating>
  );
}
