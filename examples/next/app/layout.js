export const metadata = { title: "Tabsense with Next.js", icons: { icon: "data:," } };

export default function Layout({ children }) {
  return (
    <html lang="en" style={{ colorScheme: "light dark", font: "1rem/1.6 system-ui" }}>
      <body>{children}</body>
    </html>
  );
}
