import js from "@eslint/js";

export default [
  js.configs.recommended,
  {
    files: ["paretobench/report/page/*.js"],
    languageOptions: { sourceType: "script", ecmaVersion: 2023 },
    rules: {
      // The files are parts of one script: what one defines another uses, which tsc checks.
      "no-undef": "off",
      "no-unused-vars": ["error", { vars: "local" }],
      "prefer-const": "error",
      "no-var": "error",
      eqeqeq: "error",
      "no-implied-eval": "error",
      "no-eval": "error",
      "max-lines": ["error", 260],
    },
  },
  { files: ["tests/report/script/*.mjs"], languageOptions: { globals: { URL: "readonly", URLSearchParams: "readonly" } } },
];
