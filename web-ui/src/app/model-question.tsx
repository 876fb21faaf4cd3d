import "@/features/conversation/tree-words";

import { useTranslation } from "react-i18next";

import { dropQuestion, useModelQuestion } from "@/features/conversation/model-question";
import { ModelList } from "@/features/models/model-list";
import { Dialog } from "@/shared/ui/dialog";

/** Asks which model, on behalf of a message. */
export function ModelQuestion() {
  const { t } = useTranslation();
  const { value, answer } = useModelQuestion();
  const choose = (model: string) => {
    dropQuestion();
    answer?.(model);
  };
  return (
    <Dialog title={t("tree.choose_model")} onClose={dropQuestion} className="w-[min(26rem,calc(100vw-2rem))]">
      <ModelList value={value} onChoose={choose} />
    </Dialog>
  );
}
