// Passkeys: asks the browser for one, and sends what it answers by the form that asked.
(() => {
  "use strict";

  const keys = window.PublicKeyCredential;
  if (!keys || !keys.parseCreationOptionsFromJSON || !keys.parseRequestOptionsFromJSON) return;

  const ask = (form) => {
    const options = JSON.parse(form.dataset.options);
    return form.dataset.passkey === "add"
      ? navigator.credentials.create({ publicKey: keys.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: keys.parseRequestOptionsFromJSON(options) });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const told = form.querySelector("[data-failed]");
      told.textContent = "";
      try {
        const made = await ask(form);
        form.elements.answer.value = JSON.stringify(made.toJSON());
        form.submit();
      } catch {
        told.textContent = told.dataset.failed;
      }
    });
  }
})();
