// What a page can do besides: every page works without this.
(() => {
  "use strict";

  // `/` goes to the search box, unless somebody is writing.
  document.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    const writes = at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writes) return;
    const box = document.getElementById("site-search");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  // Buttons that copy a text, where the browser can.
  const prepareCopies = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button.copy[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.dataset.copy);
        const before = button.textContent;
        button.textContent = "✓";
        setTimeout(() => { button.textContent = before; }, 1500);
      });
    }
  };

  // The reader's own time beside UTC, where the page has room for it: on pointing or focus.
  const showLocalTimes = (root) => {
    for (const one of root.querySelectorAll("time[datetime]")) {
      const at = new Date(one.getAttribute("datetime"));
      if (!Number.isNaN(at.getTime())) one.title = at.toLocaleString(document.documentElement.lang);
    }
  };

  const prepare = (root) => { prepareCopies(root); showLocalTimes(root); };
  prepare(document);
  document.body.addEventListener("htmx:load", (event) => prepare(event.target));

  // What is wrong with a form is read out first.
  const summary = document.getElementById("error-summary");
  if (summary) summary.focus();
})();
