import js from "@eslint/js";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import { importX } from "eslint-plugin-import-x";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import tseslint from "typescript-eslint";

const src = resolve(import.meta.dirname, "src");
const features = readdirSync(resolve(src, "features"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** app → features → shared, and no feature looks into another. */
const zones = [
  { target: `${src}/shared`, from: [`${src}/features`, `${src}/app`], message: "shared may import shared only." },
  { target: `${src}/features`, from: `${src}/app`, message: "A feature does not know the app." },
  ...features.map((name) => ({
    target: `${src}/features/${name}`,
    from: `${src}/features`,
    except: [`./${name}`],
    message: "No feature imports another: compose them in app/.",
  })),
];

export default tseslint.config(
  { ignores: ["node_modules", "src/app/theme-script.js"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.recommended,
  reactHooks.configs.flat["recommended-latest"],
  {
    files: ["**/*.{ts,tsx,js}"],
    languageOptions: { globals: { ...globals.browser } },
    plugins: { "import-x": importX },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver({ project: import.meta.dirname })] },
    rules: {
      "import-x/no-restricted-paths": ["error", { zones }],
      "import-x/no-cycle": ["error", { ignoreExternal: true }],
      "import-x/no-self-import": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportAllDeclaration", message: "No barrels: import from the file itself." },
        { selector: "ExportNamedDeclaration[source]", message: "No barrels: import from the file itself." },
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "No raw HTML in the page.",
        },
      ],
      "no-restricted-imports": [
        "error",
        { paths: [{ name: "react", importNames: ["lazy"], message: "`late` of shared/late: it outlives a server that is away." }] },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "max-depth": ["error", 4],
      "jsx-a11y/no-autofocus": "off",
    },
  },
  { files: ["src/shared/late/late.tsx"], rules: { "no-restricted-imports": "off" } },
  {
    // Written from the Python types, and as long as these are many.
    files: ["src/shared/wire/generated.ts", "src/shared/wire/api.ts"],
    rules: { "max-lines": "off" },
  },
);
