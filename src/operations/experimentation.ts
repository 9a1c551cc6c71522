// Experiments, flags and the Global Config of a resource.

import { choice, flag, list, number, object, optional, record, text } from '../payload/schema.ts'
import { operation } from './definition.ts'

const short = { max: 1024 }

const required = {
  slug: text('As it stands in code', short),
  origin: text('Where it is configured', { max: 2048 }),
}

const details = {
  category: optional(choice(['experiment', 'flag'])),
  name: optional(text('As people see it', short)),
  description: optional(text(undefined, short)),
  isArchived: optional(flag()),
  createdAt: optional(number('Milliseconds since 1970')),
  updatedAt: optional(number('Milliseconds since 1970')),
}

export const descriptions = {
  createExperimentationItems: operation({
    body: object({
      items: list(object({ id: text('Your id of the item', short), ...required, ...details }), undefined, 50),
    }),
  }),
  updateExperimentationItem: operation({ body: object({ ...required, ...details }) }),
  deleteExperimentationItem: {},
  headGlobalConfig: {},
  getGlobalConfig: {},
  replaceGlobalConfig: operation({ body: object({ data: record('The items of the config, by key') }) }),
}
