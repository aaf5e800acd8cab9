/**
 * Adds the missing optional packages of other platforms to package-lock.json. A registry that carries only some
 * platforms makes a lock file without the others, and `npm ci` then refuses it on every machine. Run it after each
 * change of the dependencies: `node scripts/complete-lock.js`.
 *
 * An added package has a version and a platform, but no integrity: it is never installed on another platform.
 */

import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../package-lock.json', import.meta.url);
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'aix', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

/** The platform in a name such as `@oxlint/binding-linux-arm64-musl`; `null` when the name has none. */
function platformOf(name) {
  const parts = name.split('/').at(-1).split('-');
  const cpu = PROCESSORS.find((processor) => parts.includes(processor));
  const os = SYSTEMS.find((system) => parts.includes(system));
  if (cpu === undefined || (os === undefined && cpu !== 'wasm32')) return null;
  const libc =
    os !== 'linux'
      ? undefined
      : parts.at(-1).startsWith('musl')
        ? 'musl'
        : parts.at(-1).startsWith('gnu')
          ? 'glibc'
          : undefined;
  return { cpu: [cpu], ...(os === undefined ? {} : { os: [os] }), ...(libc === undefined ? {} : { libc: [libc] }) };
}

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const platform = platformOf(name);
    if (lock.packages[key] !== undefined || platform === null) continue;
    lock.packages[key] = { version, ...(entry.dev === true ? { dev: true } : {}), optional: true, ...platform };
    added.push(`${name}@${version}`);
  }
}
const [root, ...others] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...others.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} optional packages added`);
