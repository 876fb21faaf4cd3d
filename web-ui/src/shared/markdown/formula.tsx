import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { fetchPart } from "@/shared/late/fetch-part";
import { makeLazyPart, useLazyPart } from "./lazy-part";
import { readMathml } from "./mathml";
import { useScrollable } from "./scrollable";

type Typeset = (source: string, display: boolean) => string;

/** Largest size in em and most macro expansions that one formula may ask for. */
const LIMITS = { maxSize: 20, maxExpand: 300 };

const katex = makeLazyPart<Typeset>(async () => {
  const library = await fetchPart(() => import("katex"), "default");
  return (source, display) =>
    library.renderToString(source, {
      ...LIMITS,
      displayMode: display,
      output: "mathml",
      strict: "ignore",
      throwOnError: true,
      trust: false,
    });
});

type Result = { shown: ReactNode } | { fault: string };

function typeset(render: Typeset, source: string, display: boolean): Result {
  try {
    return { shown: readMathml(render(source, display)) };
  } catch (reason) {
    return { fault: reason instanceof Error ? reason.message : String(reason) };
  }
}

/** Wider than the column it scrolls. */
function DisplayFormula({ children }: { children: ReactNode }) {
  const scrollable = useScrollable<HTMLSpanElement>();
  return (
    <span className="md-formula md-formula-display" {...scrollable}>
      {children}
    </span>
  );
}

type FormulaProps = { source: string; display: boolean };

/** A formula as MathML; until the typesetter has arrived, and when it cannot read it, as it was written. */
export function Formula({ source, display }: FormulaProps) {
  const { t } = useTranslation();
  const render = useLazyPart(katex);
  const result = useMemo(
    () => (render ? typeset(render, source.trim(), display) : null),
    [render, source, display],
  );
  const className = display ? "md-formula md-formula-display" : "md-formula";
  if (!result) return <span className={`${className} md-formula-source`}>{source.trim()}</span>;
  if ("fault" in result) {
    const title = t("markdown.formula_fault", { fault: result.fault });
    return (
      <span className={`${className} md-formula-source`} title={title}>
        {source.trim()}
      </span>
    );
  }
  if (display) return <DisplayFormula>{result.shown}</DisplayFormula>;
  return <span className={className}>{result.shown}</span>;
}
