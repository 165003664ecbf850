// The lists of sources and of things, each with what can be done to it.

function make(name, content = {}, ...children) {
  const element = Object.assign(document.createElement(name), content);
  element.append(...children);
  return element;
}

function button(text, label, act) {
  const element = make("button", { type: "button", textContent: text, onclick: act });
  element.setAttribute("aria-label", label);
  return element;
}

export function options(select, names, chosen) {
  const all = names.includes(chosen) || !chosen ? names : [chosen, ...names];
  select.replaceChildren(...all.map((name) => make("option", { value: name, textContent: name.replaceAll("_", " "), selected: name === chosen })));
}

/** Show a list anew, but leave the focus where it was; or at its head, if that is no more. */
function renew(list, items) {
  const focus = list.contains(document.activeElement) && document.activeElement.dataset.key;
  list.replaceChildren(...items);
  if (focus) (list.querySelector(`[data-key="${CSS.escape(focus)}"]`) ?? list.querySelector("[data-key]"))?.focus();
}

function keyed(element, key) {
  element.dataset.key = key;
  return element;
}

/** act: choose, swap, bring, silence, each given the source's name. */
export function showSources(list, scene, sounds, chosen, act) {
  renew(list, scene.sources.map((source) => {
    const { name } = source;
    const choice = make("input", { type: "radio", name: "source", checked: name === chosen, onchange: () => act.choose(name) });
    const sound = make("select", { onchange: (event) => act.swap(name, event.target.value) });
    sound.setAttribute("aria-label", `sound of ${name}`);
    options(sound, sounds, sounds.includes(source.sound) ? source.sound : source.sound.split("/")[0]);
    return make("li", {},
      make("label", {}, keyed(choice, `choose ${name}`), ` ${name.replaceAll("_", " ")}`),
      keyed(sound, `sound ${name}`),
      keyed(button("Bring here", `bring ${name} here`, () => act.bring(name)), `bring ${name}`),
      keyed(button("Silence", `silence ${name}`, () => act.silence(name)), `silence ${name}`));
  }));
}

const VERBS = { open: "Open", closed: "Close", on: "Switch on", off: "Switch off" };

export function showThings(list, scene, use) {
  const doors = (thing) => (thing.kind === "door" ? 0 : 1);
  const things = [...scene.things].sort((a, b) => doors(a) - doors(b) || a.name.localeCompare(b.name));
  renew(list, things.map(({ name, state, next }) => {
    const verb = VERBS[next] ?? next;
    return make("li", {},
      make("span", { textContent: `${name.replaceAll("_", " ")}: ${state}` }),
      keyed(button(verb, `${verb} ${name}`, () => use(name)), `use ${name}`));
  }));
}
