import { vi } from "vitest";

// Files share a process and what it has loaded of packages. The page's own modules each file loads anew, with nothing in them.
vi.resetModules();
