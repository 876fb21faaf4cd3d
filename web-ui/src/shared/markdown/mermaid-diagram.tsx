import { Code2, Workflow } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "./code-block";
import { CopyButton } from "./copy-button";
import { DiagramFrame } from "./mermaid-frame";
import { LONGEST_DIAGRAM } from "./mermaid-protocol";

type ShowButtonProps = { isDrawing: boolean; onToggle: () => void };

function ShowButton({ isDrawing, onToggle }: ShowButtonProps) {
  const { t } = useTranslation();
  const label = isDrawing ? t("markdown.show_source") : t("markdown.show_diagram");
  const Icon = isDrawing ? Code2 : Workflow;
  return (
    <button type="button" className="md-tool" onClick={onToggle} aria-label={label} title={label}>
      <Icon size={14} aria-hidden />
    </button>
  );
}

/** A Mermaid fence: drawn in a sandboxed frame, or its source, with the reason when it could not be drawn. */
export function Diagram({ source }: { source: string }) {
  const { t } = useTranslation();
  const isTooLong = source.length > LONGEST_DIAGRAM;
  const [isDrawing, setIsDrawing] = useState(!isTooLong);
  const [fault, setFault] = useState<string | null>(
    isTooLong ? t("markdown.diagram_too_long") : null,
  );
  const toggle = isTooLong ? null : (
    <ShowButton
      isDrawing={isDrawing}
      onToggle={() => {
        setFault(null);
        setIsDrawing(!isDrawing);
      }}
    />
  );
  const giveUp = (message: string) => {
    setFault(message);
    setIsDrawing(false);
  };
  if (!isDrawing) {
    return (
      <div>
        <CodeBlock code={source} language="mermaid" growing={false} tools={toggle} />
        {fault === null ? null : (
          <div className="md-fault">
            <p>{t("markdown.diagram_fault")}</p>
            <pre>{fault}</pre>
          </div>
        )}
      </div>
    );
  }
  return (
    <div className="md-code">
      <div className="md-code-head">
        <span className="md-language">{t("markdown.diagram")}</span>
        <span className="md-spring" />
        {toggle}
        <CopyButton getText={() => source} label={t("markdown.copy_source")} />
      </div>
      <DiagramFrame source={source} onFault={giveUp} />
    </div>
  );
}
