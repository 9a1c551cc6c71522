import { testCourses } from './courses.ts'

testCourses('updateInvoice', 'outcome looked up', 'duplicate', 'refused')
