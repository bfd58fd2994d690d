import { render } from 'preact';
render(<p>Sostenuto</p>, document.getElementById('app') as HTMLElement);
