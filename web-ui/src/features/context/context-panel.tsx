import "@/features/context/words";

import { useTranslation } from "react-i18next";

import { ContextEntries } from "@/features/context/context-entries";
import { StepFigures } from "@/features/context/step-figures";
import { StepNotes } from "@/features/context/step-notes";
import { useTurnContext } from "@/shared/data/context";
import type { ContextStep } from "@/shared/wire/resources";

/** What the model was sent for one answer, request by request: the figures, what was left out and why, and all of it. */
export function ContextPanel({ turn }: { turn: string }) {
  const { t } = useTranslation();
  const { data, isPending, error } = useTurnContext(turn);
  if (isPending) return <p className="p-5 text-sm text-quiet">{t("context.loading")}</p>;
  if (error) return <p className="p-5 text-sm">{error.message}</p>;
  if (data.steps.length === 0) return <p className="p-5 text-sm text-quiet">{t("context.missing")}</p>;
  return (
    <div className="flex flex-col gap-8 p-5">
      {data.steps.map((step) => (
        <Step key={`${step.step}.${step.attempt}`} step={step} isOnly={data.steps.length === 1} />
      ))}
    </div>
  );
}

function Step({ step, isOnly }: { step: ContextStep; isOnly: boolean }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t("context.attempt", { number: step.attempt })} className="flex flex-col gap-4">
      {!isOnly && <h3 className="text-sm font-semibold">{t("context.attempt", { number: step.attempt })}</h3>}
      <StepFigures step={step} />
      <StepNotes step={step} />
      <ContextEntries entries={step.entries} />
    </section>
  );
}
