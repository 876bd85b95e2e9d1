'use strict';
(() => {
  const list = document.querySelector('.cards');
  const cards = [...list.children];
  const bars = new Map([...document.querySelectorAll('.bar')].map((bar) => [bar.dataset.segment, bar]));
  const texts = cards.map((card) => card.querySelector('.text').textContent.toLowerCase());
  const words = document.getElementById('words');
  const found = document.getElementById('found');
  const reset = document.getElementById('reset');
  const {segments, width, data} = JSON.parse(document.getElementById('vectors').textContent);
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const vectors = new Int8Array(bytes.buffer);
  const rowOf = new Map(segments.map((segment, row) => [segment, row]));

  const show = (card, visible) => {
    card.hidden = !visible;
    bars.get(card.dataset.segment)?.classList.toggle('dim', !visible);
  };
  const number = (count) => `${count} segment${count === 1 ? '' : 's'}`;

  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    cards.forEach((card, index) => {
      const visible = wanted.every((word) => texts[index].includes(word));
      show(card, visible);
      count += visible;
    });
    found.textContent = wanted.length ? `${number(count)} of ${cards.length}` : number(cards.length);
    reset.hidden = !wanted.length && !list.classList.contains('by-likeness');
  };

  const inOrder = () => {
    list.classList.remove('by-likeness');
    list.append(...cards);
    for (const likeness of document.querySelectorAll('.likeness')) likeness.hidden = true;
  };

  const cosine = (one, other) => {
    let product = 0, first = 0, second = 0;
    for (let at = 0; at < width; at++) {
      const a = vectors[one * width + at], b = vectors[other * width + at];
      product += a * b; first += a * a; second += b * b;
    }
    return product / Math.max(1e-9, Math.sqrt(first * second));
  };

  const bySimilarity = (segment) => {
    words.value = '';
    filter();
    inOrder();
    const row = rowOf.get(segment);
    const ranked = [];
    cards.forEach((card, index) => {
      const other = rowOf.get(index);
      show(card, other !== undefined);
      if (other === undefined) return;
      const likeness = card.querySelector('.likeness');
      const value = cosine(row, other);
      likeness.textContent = index === segment ? 'this one' : `likeness ${value.toFixed(2)}`;
      likeness.hidden = false;
      ranked.push([index === segment ? 2 : value, card]);
    });
    ranked.sort((one, other) => other[0] - one[0]);
    list.append(...ranked.map(([, card]) => card));
    list.classList.add('by-likeness');
    found.textContent = `${number(ranked.length)}, the most similar first`;
    reset.hidden = false;
    reset.focus();
    list.scrollIntoView({block: 'nearest'});
  };

  for (const button of document.querySelectorAll('.similar')) {
    const segment = Number(button.dataset.segment);
    if (!rowOf.has(segment)) button.remove();
    else button.addEventListener('click', () => bySimilarity(segment));
  }
  words.form.addEventListener('submit', (event) => event.preventDefault());
  words.addEventListener('input', () => { inOrder(); filter(); });
  reset.addEventListener('click', () => {
    words.value = '';
    inOrder();
    filter();
    words.focus();
  });
  // A bar of the timeline leads to its card, which a search may have hidden.
  window.addEventListener('hashchange', () => {
    const card = document.getElementById(location.hash.slice(1));
    if (!card?.classList.contains('card')) return;
    if (card.hidden) { words.value = ''; inOrder(); filter(); }
    card.scrollIntoView({block: 'center'});
  });
})();
