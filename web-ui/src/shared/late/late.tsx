import { lazy } from "react";
import type { ReactNode } from "react";

import { fetchPart } from "@/shared/late/fetch-part";
import { NotLoaded } from "@/shared/late/not-loaded";

type Component<Props> = (props: Props) => ReactNode;
type PropsOf<Part> = Part extends () => ReactNode ? object : Part extends Component<infer Props> ? Props : never;

/**
 * The component that a module calls `name`, fetched when it is first shown; inside a `Suspense`, whose fallback stays
 * while the server is away. What cannot be had (see `fetchPart`) is replaced by `Instead`, which gets the same
 * properties: the rest of the page stays.
 */
export function late<Module extends object, Name extends keyof Module>(
  load: () => Promise<Module>,
  name: Name,
  Instead: Component<PropsOf<Module[Name]>> = () => <NotLoaded />,
) {
  return lazy(async () => {
    try {
      return { default: (await fetchPart(load, name)) as typeof Instead };
    } catch (error) {
      console.error(error);
      return { default: Instead };
    }
  });
}
