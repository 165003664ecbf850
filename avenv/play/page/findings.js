// What is wrong or odd with the scene's file: a list, and its numbers on the plan.

const $ = (id) => document.getElementById(id);

function title(findings) {
  const wrong = findings.filter((finding) => !finding.is_warning).length;
  if (!wrong) return "The file is a scene, but this is odd about it";
  return `The file is no scene as it is (${wrong === 1 ? "one problem" : `${wrong} problems`}); you are in the last that was one`;
}

/** Show findings {text, is_warning, at, outline} in the list and on the plan, all at once. */
export function showFindings(findings, plan) {
  $("problems").hidden = !findings.length;
  $("problems-title").textContent = findings.length ? title(findings) : "";
  $("findings").replaceChildren(...findings.map((finding, k) => {
    const item = document.createElement("li");
    const text = Object.assign(document.createElement("span"), { textContent: (finding.is_warning ? "warning: " : "") + finding.text });
    const mark = Object.assign(document.createElement("button"), { type: "button", className: "mark", textContent: k + 1, disabled: !finding.at });
    mark.setAttribute("aria-label", finding.at ? `show ${k + 1} on the plan` : `${k + 1} is at no place of the plan`);
    mark.onclick = () => plan.pointAt(k);
    item.append(mark, text);
    return item;
  }));
  plan.note(findings, (k) => $("findings").children[k].firstChild.focus());
}
