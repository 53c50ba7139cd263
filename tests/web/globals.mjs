// What browsers have and the oldest supported Node.js (18, Debian 12's) does not.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, options = {}) {
    super(type, options);
    this.detail = options.detail ?? null;
  }
};
