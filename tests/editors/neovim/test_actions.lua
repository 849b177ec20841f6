local t = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/harness.lua')

t.run({
  {
    'applies the fix of a diagnostic',
    function()
      t.open('FROM debian:12 as base\nRUN true\n')
      t.diagnosed({ '1:16 from-as-casing' })
      t.choose('AS', 1, 16, { 'quickfix' })
      t.same(t.text(), 'FROM debian:12 AS base\nRUN true\n')
      t.diagnosed({})
    end,
  },
  {
    'merges RUN instructions',
    function()
      t.open([[
FROM debian:12
RUN apt-get update
RUN apt-get install -y curl
RUN rm -rf /var/lib/apt/lists/*
]])
      t.choose('Merge 3 RUN', 2, 1, { 'refactor' })
      t.same(
        t.text(),
        [[
FROM debian:12
RUN apt-get update && \
    apt-get install -y curl && \
    rm -rf /var/lib/apt/lists/*
]]
      )
    end,
  },
  {
    'puts the manifests before the sources, and says what that saves',
    function()
      t.open(
        [[
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
]],
        {
          ['package.json'] = '{"name": "x", "version": "1.0.0", "scripts": {"build": "node src/build.js"}}\n',
          ['package-lock.json'] = '{"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": {}}\n',
          ['src/build.js'] = '// Nothing.\n',
          ['.dockerignore'] = 'node_modules\n.git\n',
        }
      )
      t.choose('2 instead of 3 steps rebuild when src/ changes', 3, 1, { 'refactor' })
      t.same(
        t.text(),
        [[
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build
]]
      )
      vim.cmd('silent undo')
      t.wait('the text from before', function()
        return t.text():find('COPY . .\nRUN npm ci', 1, true)
      end)
    end,
  },
})
