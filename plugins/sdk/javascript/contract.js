// The contract as it is in a component: what the plugin imports of otlet, and what QuickJS lacks or cannot do in the sandbox.
import * as batch from 'otlet:plugin/batch@0.1.0';
import * as host from 'otlet:plugin/host@0.1.0';

export { batch, host };

const logged = (level) => (...parts) =>
  host.log(level, parts.map((part) => (typeof part === 'string' ? part : (JSON.stringify(part) ?? String(part)))).join(' '));

globalThis.console = {
  debug: logged('debug'),
  info: logged('info'),
  log: logged('info'),
  warn: logged('warn'),
  error: logged('error'),
};

// The component has no clock of its own, and asking for it would trap.
const Fixed = globalThis.Date;
globalThis.Date = class Date extends Fixed {
  constructor(...parts) {
    super(...(parts.length ? parts : [host.now()]));
  }

  static now() {
    return host.now();
  }
};
globalThis.performance = { now: () => host.now() };

// The component is a picture of QuickJS taken when it was built, and all instances would draw the same numbers.
Math.random = () => host.random(6).reduce((sum, byte) => (sum + byte) / 256, 0);
