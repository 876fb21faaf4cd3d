import { createElement, lazy, useEffect, useState } from "react";
import type { ReactNode } from "react";

import { fetchPart } from "@/shared/late/fetch-part";
import { NotLoaded } from "@/shared/late/not-loaded";

type Component<Props> = (props: Props) => ReactNode;
type PropsOf<Part> = Part extends () => ReactNode ? object : Part extends Component<infer Props> ? Props : never;

/**
 * The component that a module calls `name`, fetched when it is first shown; inside a `Suspense`, whose fallback stays
 * while the server is away. What cannot be had (see `fetchPart`) is replaced by `Instead`, which gets the same
 * properties: the rest of the page stays. It is fetched again where it is shown next, after one has left it.
 */
export function late<Module extends object, Name extends keyof Module>(
  load: () => Promise<Module>,
  name: Name,
  Instead: Component<PropsOf<Module[Name]>> = () => <NotLoaded />,
) {
  function begin() {
    const part = lazy(async () => {
      try {
        return { default: (await fetchPart(load, name)) as Component<object> };
      } catch (error) {
        console.error(error);
        return { default: InsteadUntilLeft };
      }
    });
    function InsteadUntilLeft(props: object) {
      useEffect(
        () => () => {
          if (current === part) current = begin();
        },
        [],
      );
      return createElement(Instead as Component<object>, props);
    }
    return part;
  }

  let current = begin();
  return function Late(props: PropsOf<Module[Name]>) {
    const [Part] = useState(() => current); // stays what it is while it is shown, also when another one is left
    return createElement(Part, props as object);
  };
}
