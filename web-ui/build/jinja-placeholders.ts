import type { Plugin } from "vite";

/** In development there is no server to fill the template: the page then asks for everything over HTTP. */
export function jinjaPlaceholders(): Plugin {
  return {
    name: "quarterdeck-jinja-placeholders",
    apply: "serve",
    transformIndexHtml: (html) => html.replace("{{ settings | tojson }}", "{}").replace("{{ model_name }}", ""),
  };
}
