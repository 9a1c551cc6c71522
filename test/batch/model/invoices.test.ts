import { testCourses } from './courses.ts'

testCourses('submitInvoice', 'conflict as proof', 'duplicate', 'refused')
