/** `node --import` loads this module into the components of a soak with a planted bug, before anything else. */

import { register } from 'node:module';

register('./hooks.js', import.meta.url);
