1:[["children",{"s":"__PAGE__","h":160}]]
0:{"b":"UuQ2079wtZhaZR0eh6XfB","t":{"t":{"s":"","h":80,"c":"$Q1"}}}
