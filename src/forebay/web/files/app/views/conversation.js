// The messages of one thread: long ones open quickly, because only what is near is drawn in full.

import { html, useEffect, useLayoutEffect, useRef, useSignal } from "../html.js";
import { copy } from "../state/actions.js";
import { goOnTo } from "../state/focus.js";
import { Message } from "./message.js";
import { IconButton } from "./icons.js";

/** So many of the last messages are drawn at once. */
const FIRST = 8;
const MARGIN = "1200px 0px";
const AT_END = 80;

/** @param {{thread: import("../state/thread.js").Thread, label: string, rated?: boolean, children?: any}} props */
export function Conversation({ thread, label, rated, children }) {
  const scroller = useRef(null);
  const list = useRef(null);
  const follows = useRef(true);
  const away = useSignal(false);
  const observer = useNearness(scroller);
  const messages = thread.messages.value;

  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  const follow = () => follows.current && toEnd();
  const scrolled = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current;
    follows.current = scrollHeight - scrollTop - clientHeight < AT_END;
    away.value = !follows.current;
  };
  useEffect(() => {
    const growing = new ResizeObserver(follow);
    growing.observe(list.current);
    growing.observe(scroller.current);
    return () => growing.disconnect();
  }, []);
  // Whoever has pressed "Regenerate" or "Stop" finds neither there any more.
  const running = thread.running.value !== null;
  const ran = useRef(running);
  useEffect(() => {
    if (ran.current !== running) goOnTo(() => null);
    ran.current = running;
  }, [running]);
  // A new question, or another conversation, is looked at from its end.
  useLayoutEffect(() => {
    follows.current = true;
    toEnd();
  }, [thread.id.value, running]);

  return html`<div class="scroller" ref=${scroller} onScroll=${scrolled} onClick=${copyCode} tabindex="-1">
      ${!messages.length && children}
      <ol class="messages" ref=${list} aria-label=${label}>
        ${messages.map((message, at) => html`<${Turn} key=${message.key ?? message.id} thread=${thread} message=${message} observer=${observer} first=${at >= messages.length - FIRST} drawn=${follow} rated=${rated} />`)}
      </ol>
    </div>
    ${away.value && html`<${IconButton} name="down" label="Scroll to the end" class="to-end" onClick=${toEnd} />`}`;
}

function Turn({ thread, message, observer, first, drawn, rated }) {
  const near = useSignal(first);
  const ref = useRef(null);
  useEffect(() => {
    if (near.value) return undefined;
    return observer.watch(ref.current, () => (near.value = true));
  }, []);
  const shown = near.value || message.state === "running";
  return html`<li ref=${ref} class=${`message ${message.role} ${message.state}`}>
    <${Message} thread=${thread} message=${message} near=${shown} drawn=${drawn} rated=${rated} />
  </li>`;
}

/** Tells elements once that they have come near to what is seen. */
function useNearness(scroller) {
  const kept = useRef(null);
  kept.current ??= nearness(scroller);
  useEffect(() => () => kept.current.close(), []);
  return kept.current;
}

function nearness(scroller) {
  const told = new Map();
  let observer = null;
  const seen = (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      told.get(target)?.();
      told.delete(target);
      observer.unobserve(target);
    }
  };
  return {
    watch(element, tell) {
      observer ??= new IntersectionObserver(seen, { root: scroller.current, rootMargin: MARGIN });
      told.set(element, tell);
      observer.observe(element);
      return () => {
        told.delete(element);
        observer.unobserve(element);
      };
    },
    close: () => observer?.disconnect(),
  };
}

function copyCode(event) {
  const button = event.target.closest?.(".copy-code");
  if (button) copy(button.closest(".code").querySelector("code").textContent);
}
